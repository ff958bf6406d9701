/* Stands in for FUSE's library where it is not installed: its name and two of its symbols. */
int fuse_version(void);
int fuse_main_real(int argc, char *argv[], const void *op, unsigned long op_size, void *user);

int fuse_version(void)
{
    return FUSE_STUB_VERSION;
}

int fuse_main_real(int argc, char *argv[], const void *op, unsigned long op_size, void *user)
{
    (void)argv, (void)op, (void)op_size, (void)user;
    return argc;
}
