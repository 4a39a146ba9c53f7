# ISO_FIND_MPI
# MPI, which is optional: MPI_CFLAGS and MPI_LIBS (both may be given), have_mpi yes or no. The wrapper compiler comes
# first: on clusters, it is what a loaded environment module puts into PATH, beside the mpirun that belongs to it.
AC_DEFUN([ISO_FIND_MPI],
[AC_ARG_WITH([mpi], [AS_HELP_STRING([--without-mpi], [build without `mpirun isoflop run`])], [], [with_mpi=check])
AC_ARG_VAR([MPICC], [the MPI compiler whose flags are taken (default: mpicc)])
AC_ARG_VAR([MPI_CFLAGS], [C compiler flags for MPI])
AC_ARG_VAR([MPI_LIBS], [linker flags for MPI])
have_mpi=no
AS_IF([test "x$with_mpi" != xno],
  [AC_PATH_PROGS([MPICC_PATH], [${MPICC-mpicc}])
   AS_IF([test -z "$MPI_CFLAGS$MPI_LIBS" && test -n "$MPICC_PATH"],
     [# Open MPI tells its flags by --showme; MPICH and its kin print the whole command.
      AS_IF([MPI_CFLAGS=`"$MPICC_PATH" --showme:compile 2>/dev/null`], [MPI_LIBS=`"$MPICC_PATH" --showme:link`],
        [MPI_CFLAGS=`"$MPICC_PATH" -compile-info 2>/dev/null | cut -s -d' ' -f2-`
         MPI_LIBS=`"$MPICC_PATH" -link-info 2>/dev/null | cut -s -d' ' -f2-`])])
   AS_IF([test -z "$MPI_CFLAGS$MPI_LIBS"],
     [PKG_CHECK_EXISTS([ompi-c], [iso_module=ompi-c],
        [PKG_CHECK_EXISTS([mpich], [iso_module=mpich], [iso_module=])])
      AS_IF([test -n "$iso_module"],
        [MPI_CFLAGS=`$PKG_CONFIG --cflags $iso_module`
         MPI_LIBS=`$PKG_CONFIG --libs $iso_module`])])
   iso_saved_CFLAGS=$CFLAGS
   iso_saved_LIBS=$LIBS
   CFLAGS="$CFLAGS $MPI_CFLAGS"
   LIBS="$MPI_LIBS $LIBS"
   AC_MSG_CHECKING([for MPI])
   AC_LINK_IFELSE([AC_LANG_PROGRAM([[@%:@include <mpi.h>]], [[MPI_Init(0, 0); return MPI_Finalize();]])],
     [have_mpi=yes])
   AC_MSG_RESULT([$have_mpi])
   CFLAGS=$iso_saved_CFLAGS
   LIBS=$iso_saved_LIBS
   AS_IF([test "x$with_mpi:$have_mpi" = xyes:no], [iso_missing="$iso_missing
  MPI (Debian: apt-get install libopenmpi-dev openmpi-bin)"])])
AS_IF([test $have_mpi = yes], [AC_DEFINE([HAVE_MPI], [1], [Define where trials can be spread with MPI.])])
AM_CONDITIONAL([MPI], [test $have_mpi = yes])])
