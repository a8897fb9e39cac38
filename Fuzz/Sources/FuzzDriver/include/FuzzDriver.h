// libFuzzer's entry (compiler-rt, FuzzerInterface.h): lets a program with a main of its own run the fuzzer.
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));
