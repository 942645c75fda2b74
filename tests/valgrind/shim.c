/* Preloaded below valgrind, which needs descriptors and memory of its own where the worker gives them up. */
int setrlimit(int resource, const void *limit);
int setrlimit(int resource, const void *limit) {
  (void)resource;
  (void)limit;
  return 0;
}
