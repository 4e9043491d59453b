/* The empty C program that whole processes are compared with. */
int main(void) { return 0; }
