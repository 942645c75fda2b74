/* Given to every compilation by -include: the calls that have no place here do not compile.
 * The system headers come first, so that their own declarations stay untouched. */
#ifndef CKPTLINT_BASE_BANNED_H
#define CKPTLINT_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BANNED(f) ckptlint_never_uses_##f

#undef strcpy
#define strcpy BANNED(strcpy)
#undef strcat
#define strcat BANNED(strcat)
#undef strncpy
#define strncpy BANNED(strncpy)
#undef strncat
#define strncat BANNED(strncat)
#undef sprintf
#define sprintf BANNED(sprintf)
#undef vsprintf
#define vsprintf BANNED(vsprintf)
#undef strtok
#define strtok BANNED(strtok)
#undef atoi
#define atoi BANNED(atoi)
#undef atol
#define atol BANNED(atol)
#undef strtol
#define strtol BANNED(strtol)
#undef scanf
#define scanf BANNED(scanf)
#undef sscanf
#define sscanf BANNED(sscanf)
#undef system
#define system BANNED(system)
#undef popen
#define popen BANNED(popen)

#endif
