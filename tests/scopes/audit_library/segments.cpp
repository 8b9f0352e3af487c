// A library with more writable segments than an audit has room for: the linker is told to put each section far away.
#define MAYFLY_FAR_VARIABLE(number) \
  [[gnu::section(".far" #number)]] void const* far_variable_##number = &far_variable_##number

extern void const* far_variable_1;
extern void const* far_variable_2;
extern void const* far_variable_3;
extern void const* far_variable_4;
extern void const* far_variable_5;
MAYFLY_FAR_VARIABLE(1);
MAYFLY_FAR_VARIABLE(2);
MAYFLY_FAR_VARIABLE(3);
MAYFLY_FAR_VARIABLE(4);
MAYFLY_FAR_VARIABLE(5);
