# The sources of the program lie in a folder named core, but the scripts that Autoconf makes remove `core` (a memory
# image, to them) with `rm -f core ...`, which fails on a folder, leaves confdefs.h behind and breaks `make distcheck`.
# Take the word out of the macros that write it. Included before AC_INIT.
m4_define([_AC_INIT_PREPARE],
  m4_bpatsubst(m4_dquote(m4_defn([_AC_INIT_PREPARE])), [rm -f core ], [rm -f ]))
m4_define([_AC_COMPILE_IFELSE],
  m4_bpatsubst(m4_dquote(m4_defn([_AC_COMPILE_IFELSE])), [rm -f core ], [rm -f ]))
m4_define([_AC_LINK_IFELSE],
  m4_bpatsubst(m4_dquote(m4_defn([_AC_LINK_IFELSE])), [rm -f core ], [rm -f ]))
m4_define([_AC_RUN_IFELSE],
  m4_bpatsubst(m4_dquote(m4_defn([_AC_RUN_IFELSE])), [rm -f core ], [rm -f ]))
# Automake's, which aclocal has not collected when it first reads this.
m4_ifdef([_AM_PROG_CC_C_O], [m4_define([_AM_PROG_CC_C_O],
  m4_bpatsubst(m4_dquote(m4_defn([_AM_PROG_CC_C_O])), [rm -f core ], [rm -f ]))])
