/* Rounding and flush-to-zero of the calling thread. */
#include "train/arithmetic.h"

#include <fenv.h>

#if defined __SSE__
#include <xmmintrin.h>
enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x0040 };
#endif

struct arithmetic arithmetic_set(void)
{
    struct arithmetic before = { .rounding = fegetround() };
    fesetround(FE_TONEAREST);
#if defined __SSE__
    before.control = _mm_getcsr();
    _mm_setcsr((unsigned)before.control | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
#elif defined __aarch64__
    __asm__ volatile("mrs %0, fpcr" : "=r"(before.control));
    __asm__ volatile("msr fpcr, %0" : : "r"(before.control | UINT64_C(1) << 24));
#endif
    return before;
}

void arithmetic_restore(struct arithmetic before)
{
#if defined __SSE__
    _mm_setcsr((unsigned)before.control);
#elif defined __aarch64__
    __asm__ volatile("msr fpcr, %0" : : "r"(before.control));
#endif
    fesetround(before.rounding);
}
