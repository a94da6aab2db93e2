// SPDX-License-Identifier: BSL-1.0
// What no real-time thread does: symbols.cmake has to find each of these in the object file.
#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

int* by_new() { return new int; }
void* by_malloc(std::size_t n) { return std::malloc(n); }
void lock(pthread_mutex_t* mutex) { pthread_mutex_lock(mutex); }
void raise_error() { throw 1; }
void call_system() { fsync(0); }
void print() { std::puts("etch"); }
int wait_for_the_first(int (*first)()) {
  static int value = first();
  return value;
}

struct Virtual {
  virtual int f();
};
int Virtual::f() { return 1; }
