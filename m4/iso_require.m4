# ISO_REQUIRE(PREFIX, MODULES, DEBIAN-PACKAGE)
# A library by pkg-config: PREFIX_CFLAGS and PREFIX_LIBS, or its name and Debian package for ISO_REPORT_MISSING.
AC_DEFUN([ISO_REQUIRE],
[PKG_CHECK_MODULES([$1], [$2], [], [iso_missing="$iso_missing
  $2 (Debian: apt-get install $3)"])])

# ISO_REPORT_MISSING
# Ends configure with every library that was not found, so that one command installs them all.
AC_DEFUN([ISO_REPORT_MISSING],
[AS_IF([test -n "$iso_missing"],
  [AC_MSG_ERROR([these are missing:$iso_missing
On Debian and Ubuntu, ./bootstrap installs them.])])])
