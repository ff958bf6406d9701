#include "lft.h"
int main(void){return 0;}
