// What gcc 12's libstdc++.a expects of the C library since glibc 2.32: true if the process has one thread, and then it
// counts references without atomic operations. The engine is in a process with several.
extern "C" [[gnu::visibility("hidden")]] char __libc_single_threaded;
char __libc_single_threaded = 0;
