/** @file nemotron.hpp
 *  @brief C++20 handles over nemotron.h: owners that free themselves, strings and vectors instead of buffers, and
 *  exceptions instead of statuses.
 *
 *  Header-only: everything here is compiled into your program and calls the C ABI, so the library's version may
 *  change under it. What a function does, its limits and its thread rules stand at the C function that it names.
 *
 *  **Exceptions.** Every failure is a nemotron::Error. An exception thrown by one of your callbacks ends the call in
 *  an orderly way (the library sees a cancel) and is then thrown again to the caller; out of the callback of a submitted
 *  request, to who next polls, waits or submits.
 *
 *  @code{.cpp}
 *  nemotron::Context context = nemotron::Context::load("model.gguf");
 *  nemotron::Session session(context);
 *  session.generate(context.chat_tokenize({nemotron::Message::user("Hello")}), {},
 *                   [](std::string_view text) { std::cout << text << std::flush; });
 *  @endcode
 */
#ifndef NEMOTRON_HPP
#define NEMOTRON_HPP

#include <nemotron/context.hpp>
#include <nemotron/error.hpp>
#include <nemotron/nemotron.h>
#include <nemotron/session.hpp>

#endif
