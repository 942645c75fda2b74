# A bug as people make them: an index of the program is taken before it is compared. Never in a source file: make puts it
# into a copy of validator/pickle/op_memo.c, below build/.
/^bool op_put(struct machine/c\
static __attribute__((used)) const char planted_bug[] = "a planted bug";\
bool op_put(struct machine *m, const struct arg *arg) {\
  if (m->memo->dense.n && arg->number > (int64_t)m->memo->dense.n + 100) m->memo->dense.p[arg->number] = top(m);\
  return put(m, arg, (uint32_t)arg->number);\
}
