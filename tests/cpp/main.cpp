/* main.cpp - layerfuse.hpp, by the standard this is compiled for */
#include "check.hpp"

int main()
{
    test_fusion();
    test_callbacks();
    test_numbers();
    test_files();
    std::printf("C++ %ld\n", __cplusplus);
    return 0;
}
