/* The commands that judge checkpoints: from options to a run of the pipeline and its report. */
#include <errno.h>
#include <unistd.h>

#include "api/propose.h"
#include "api/record.h"
#include "api/replace.h"
#include "api/second.h"
#include "api/sketch.h"
#include "api/version.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "report/progress.h"

static bool wants_text(const struct options *o) { return o->format == FORMAT_TEXT; }

static struct report *open_report(const struct cli *cli, int fd) {
  const struct options *o = cli->options;
  const struct report_options report = {
      .format = (enum report_format)o->format,
      .fd = fd,
      .color = cli->pen.color,
      .unicode = cli->pen.unicode,
      .width = cli->pen.width,
      .quiet = o->quiet,
      .verbose = o->verbose,
      .stats = o->stats && !o->tensors,
      .sheet = o->fields != NULL,
      .timings = o->timings,
  };
  return report_open(&report);
}

static struct progress open_progress(const struct cli *cli) {
  enum when when = (enum when)cli->options->progress;
  bool tty = cli->terminal->err_is_tty;
  return progress_begin(when == WHEN_ALWAYS || (when == WHEN_AUTO && tty && wants_text(cli->options)), tty);
}

static struct name_values values_of(const struct pair_list *list) {
  return (struct name_values){.list = list->rows.p, .n = list->rows.n};
}

static uint32_t views_of(const struct options *o) {
  const struct {
    bool on;
    enum inspect_view view;
  } views[] = {
      {o->tensors, SHOW_TENSORS}, {o->tree, SHOW_TREE},     {o->globals, SHOW_GLOBALS},
      {o->members, SHOW_MEMBERS}, {o->pickle, SHOW_PICKLE}, {o->stats, SHOW_STATS},
      {o->opcodes, SHOW_OPCODES},
  };
  uint32_t set = 0;
  for (size_t i = 0; i < ARRAY_LEN(views); i++)
    if (views[i].on) set |= (uint32_t)views[i].view;
  return SHOW_SUMMARY | (set || o->fields ? set : SHOW_TENSORS);
}

/* In the order of the option's words. */
static enum dtype target_of(unsigned choice) {
  return choice == 0 ? DTYPE_NONE : choice == 1 ? DTYPE_F16 : DTYPE_BF16;
}

static struct run_options run_options_of(const struct options *o) {
  return (struct run_options){
      .verb = (enum run_verb)o->command,
      .depth = (enum run_depth)o->depth,
      .profile = (enum run_profile)o->profile,
      .fail_on = (enum severity)o->fail_on,
      .sandbox = (enum sandbox_level)o->sandbox,
      .hash_sha256 = o->hash != 0,
      .target_dtype = target_of(o->target_dtype),
      .reference = o->reference,
      .views = o->command == COMMAND_inspect ? views_of(o) : 0,
      .fields = span_str(o->fields),
      .key = span_str(o->key),
      .keys = {span_str(o->key_a), span_str(o->key_b)},
      .arch = o->arch,
      .families = o->families,
      .config = o->config,
      .lock = o->lock,
      .torch = o->torch,
      .policy = o->policy,
      .isolated = o->isolated,
      .set = values_of(&o->set),
      .inputs = values_of(&o->inputs),
      .expects = values_of(&o->expects),
      .outputs = values_of(&o->outputs),
      .allow = values_of(&o->allow),
      .ignore_missing = values_of(&o->ignore_missing),
      .ignore_unexpected = values_of(&o->ignore_unexpected),
      .rtol = o->rtol,
      .atol = o->atol,
      .jobs = o->jobs,
      .nested = o->nested,
      .strict_keys = o->strict,
      .torch_messages = o->torch_messages,
      .verbose = o->verbose,
      .limits = o->limits,
  };
}

/* Standard input can be read only once, and what the loader puts into this process is not in the next one. */
static const char *second_refused(const struct options *o, const struct input_list *inputs) {
  struct span preloads[PRELOADS_MAX];
  bool once = o->files_from && strcmp(o->files_from, "-") == 0;
  for (size_t i = 0; i < inputs->n; i++) once = once || strcmp(inputs->paths[i], "-") == 0;
  if (once) return "--paranoid reads everything twice, which standard input can't be";
  return sandbox_preloads(preloads)
             ? "--paranoid: what LD_PRELOAD and the like put into this process would not be in "
               "the second one"
             : NULL;
}

/* The report goes to `fd`. */
static enum exit_code run_to(struct cli *cli, struct run_options *run, const struct input_list *inputs,
                             int fd) {
  struct progress progress = open_progress(cli);
  run->progress = &progress; /* taken back below */
  workers_mind_signals();
  struct sandbox *sandbox = sandbox_probe();
  if (sandbox && run->sandbox == SANDBOX_NONE) sandbox_take_off(sandbox);
  struct report *report = sandbox ? open_report(cli, fd) : NULL;
  int code = report ? run_inputs(run, inputs, sandbox, report) : EXIT_BUG;
  progress_clear(&progress);
  run->progress = NULL;
  bool written = report ? report_close(report) : false;
  sandbox_free(sandbox);
  if (memory_has_failed()) return EXIT_BUG; /* main says so */
  if (!written) cli_lost(cli, "the report could not be written");
  if (written && code == EXIT_OUTPUT) cli_complain(cli, "--save-output: not all files could be written");
  return written ? (enum exit_code)code : EXIT_OUTPUT;
}

enum exit_code command_run(struct cli *cli) {
  struct input_list inputs;
  const char *wrong = inputs_collect(cli->options, cli->arena, &inputs);
  if (wrong) return cli_usage(cli, wrong);
  struct run_options run = run_options_of(cli->options);
  if (!cli->options->paranoid) return run_to(cli, &run, &inputs, STDOUT_FILENO);
  if ((wrong = second_refused(cli->options, &inputs))) return cli_usage(cli, wrong);
  run.second = second_start(cli->argv);
  if (!run.second) return cli_usage(cli, "--paranoid: no second process can be started");
  enum exit_code code = run_to(cli, &run, &inputs, STDOUT_FILENO);
  second_end(run.second);
  return code;
}

/* The policy file on standard output; what was found, for whoever reviews it, on standard error. */
enum exit_code command_policy(struct cli *cli) {
  struct input_list inputs;
  struct proposal proposal;
  const struct options *o = cli->options;
  if (o->operands.list.n == 0 || (o->operands.list.n == 1 && !o->files_from) ||
      strcmp(o->operands.list.p[0], "init") != 0)
    return cli_usage(cli, "the command is policy init PATH…");
  const char *wrong = inputs_collect(o, cli->arena, &inputs);
  if (wrong) return cli_usage(cli, wrong);
  inputs.paths++; /* "init" is none */
  inputs.n--;
  struct run_options run = run_options_of(o);
  run.verb = VERB_SCAN;
  run.fail_on = SEV_COUNT;
  run.isolated = true;
  run.proposal = &proposal;
  if (!proposal_begin(&proposal)) return EXIT_BUG;
  enum exit_code code = run_to(cli, &run, &inputs, STDERR_FILENO);
  if (code <= EXIT_UNCHECKED) proposal_write(&proposal, &cli->out);
  proposal_end(&proposal);
  return code;
}

/* The lock file on standard output, the report on standard error. */
enum exit_code command_lock(struct cli *cli) {
  struct input_list inputs;
  struct locking locking = {.out = out_to_memory(SIZE_MAX)};
  const char *wrong = inputs_collect(cli->options, cli->arena, &inputs);
  if (wrong) return cli_usage(cli, wrong);
  if (inputs.n != 1) return cli_usage(cli, "lock takes one checkpoint, a file or a folder of weights");
  struct run_options run = run_options_of(cli->options);
  run.verb = VERB_SCAN;
  run.locking = &locking;
  enum exit_code code = run_to(cli, &run, &inputs, STDERR_FILENO);
  if (locking.inputs && locking.complaint)
    cli_complain(cli, locking.complaint);
  else if (locking.inputs && !memory_has_failed()) /* a field may be missing */
    out_span(&cli->out, out_taken(&locking.out));
  out_free(&locking.out);
  return locking.complaint && code == EXIT_CLEAN ? EXIT_UNCHECKED : code;
}

/* Where `record` writes: the file of -o, or memory that goes to standard output when all of it is there. */
static enum exit_code record_to(struct cli *cli, const struct input_list *inputs,
                                struct recording *recording) {
  struct run_options run = run_options_of(cli->options);
  run.verb = VERB_FORWARD;
  run.recording = recording;
  enum exit_code code = run_to(cli, &run, inputs, STDERR_FILENO);
  if (recording->inputs && recording->complaint) cli_complain(cli, recording->complaint);
  return recording->complaint && code == EXIT_CLEAN ? EXIT_UNCHECKED : code;
}

/* The goldens; the report goes to standard error. */
enum exit_code command_record(struct cli *cli) {
  struct input_list inputs;
  struct out memory = out_to_memory(SIZE_MAX);
  struct replacing file;
  const char *path = cli->options->output, *wrong = inputs_collect(cli->options, cli->arena, &inputs);
  if (wrong) return cli_usage(cli, wrong);
  if (inputs.n != 1) return cli_usage(cli, "record takes one checkpoint, a file or a folder of weights");
  if (path && !replace_begin(&file, span_str(path))) {
    struct span why = arena_printf(cli->arena, "--output %s: %s%c", path, strerrordesc_np(errno), 0);
    cli_complain(cli, why.n ? (const char *)why.p : "out of memory");
    return EXIT_OUTPUT;
  }
  struct recording recording = {.out = path ? &file.out : &memory};
  enum exit_code code = record_to(cli, &inputs, &recording);
  bool there = recording.inputs && !recording.complaint && !memory_has_failed();
  bool written = path ? replace_end(&file, there) : !memory.failed;
  if (!written) cli_complain(cli, "the goldens could not be written");
  if (!path && there && written) out_span(&cli->out, out_taken(&memory));
  out_free(&memory);
  return written ? code : EXIT_OUTPUT;
}

enum exit_code command_describe(struct cli *cli) {
  struct input_list inputs;
  struct sketch sketch = {.out = out_to_memory(SIZE_MAX)};
  const char *wrong = inputs_collect(cli->options, cli->arena, &inputs);
  if (wrong) return cli_usage(cli, wrong);
  struct run_options run = run_options_of(cli->options);
  run.draft = cli->options->family;
  if (!cli->options->emit_arch && !run.draft) return run_to(cli, &run, &inputs, STDOUT_FILENO);
  run.sketch = &sketch;
  enum exit_code code = run_to(cli, &run, &inputs, STDERR_FILENO);
  if (sketch.inputs && sketch.complaint)
    cli_complain(cli, sketch.complaint);
  else if (sketch.inputs && !memory_has_failed())
    out_span(&cli->out, out_taken(&sketch.out));
  out_free(&sketch.out);
  return sketch.complaint && code == EXIT_CLEAN ? EXIT_UNCHECKED : code;
}

/* A machine format is a valid document even for a wrong call. */
static void report_wrong_call(const struct cli *cli, const char *what) {
  struct report *report = open_report(cli, STDOUT_FILENO);
  if (!report) return;
  cJSON *run = event_new("run"), *summary = event_new("summary");
  event_str(run, "schema", "ckptlint.event/1");
  version_event(event_object(run, "tool"));
  event_bool(summary, "complete", false);
  event_u64(summary, "exit", EXIT_USAGE);
  event_text(summary, "error", span_str(what), USAGE_ROOM);
  report_event(report, run);
  report_event(report, summary);
  if (!report_close(report)) cli_lost(cli, "the report could not be written");
}

enum exit_code cli_usage(struct cli *cli, const char *what) {
  cli_complain(cli, what);
  if (!wants_text(cli->options)) report_wrong_call(cli, what);
  return EXIT_USAGE;
}
