// Stands in for a DLL that Wine before 10 lacks. The standard library of Rust takes its random bytes from it, so no
// Rust program begins without one. SystemFunction036 is RtlGenRandom (ntsecapi.h), which Wine has.
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) {
    return SystemFunction036(bytes, (ULONG)count);
}
