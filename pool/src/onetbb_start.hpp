#pragma once

namespace mayfly::detail {

/// Has oneTBB count the processors, once in the process: the one step of its initialisation that may throw. oneTBB
/// 2021.8 takes it under a spin lock that an exception leaves locked (DoOneTimeInitialization in its main.cpp), so that
/// whoever comes next waits for ever. Here it is taken before, by one thread at a time, and a failure is remembered.
///
/// Throws std::bad_alloc when oneTBB had no memory for it; from then on std::system_error (not_enough_memory), at once:
/// oneTBB cannot be used in this process any more. Makes the calling thread no arena.
void start_onetbb();

}  // namespace mayfly::detail
