// Empty on purpose: a precompiled header belongs to a target with a source that uses it, and
// test_main.cpp needs Catch2's header otherwise. NEMO_TEST_PCH, cmake/NemoTest.cmake.
