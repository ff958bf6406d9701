/* test_base.c */
#include "lft.h"

int main(void)
{
    return 0;
}
