// Plugin of qemu-user: how often each translated block ran, and its instructions.
//
//   qemu-aarch64 -plugin qemu_blocks.so PROGRAM...     writes to the file that BLOCKS_OUT names:
//   "block COUNT ADDRESS", then one line an instruction
//
// The few declarations it needs of qemu's plugin interface (docs/devel/tcg-plugins.rst of qemu) stand here, as Debian
// ships no header for them. Their binary interface has not changed since version 1; PLUGIN_VERSION is what the qemu at
// hand asks for.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_VERSION;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*call)(plugin_id, struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* block, void (*call)(unsigned, void*), int flags,
                                          void* data);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*call)(plugin_id, void*), void* data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb* block);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* block, size_t index);
char* qemu_plugin_insn_disas(const struct qemu_plugin_insn* instruction);

struct block {
  uint64_t count;
  uint64_t address;
  size_t length;
  char** instructions;
  struct block* next;
};

static struct block* blocks;

static void executed(unsigned cpu, void* data) {
  (void)cpu;
  ++((struct block*)data)->count;
}

static void translated(plugin_id id, struct qemu_plugin_tb* tb) {
  (void)id;
  const uint64_t address = qemu_plugin_tb_vaddr(tb);
  const size_t length = qemu_plugin_tb_n_insns(tb);
  struct block* found = blocks;
  while (found != NULL && (found->address != address || found->length != length)) found = found->next;
  if (found == NULL) {
    found = calloc(1, sizeof *found);
    found->address = address;
    found->length = length;
    found->instructions = calloc(length, sizeof *found->instructions);
    for (size_t i = 0; i < length; ++i) {
      found->instructions[i] = qemu_plugin_insn_disas(qemu_plugin_tb_get_insn(tb, i));
    }
    found->next = blocks;
    blocks = found;
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, found);
}

static void finished(plugin_id id, void* data) {
  (void)id;
  (void)data;
  FILE* out = fopen(getenv("BLOCKS_OUT"), "w");
  if (out == NULL) {
    perror("BLOCKS_OUT");
    exit(1);
  }
  for (const struct block* b = blocks; b != NULL; b = b->next) {
    fprintf(out, "block %" PRIu64 " %" PRIx64 "\n", b->count, b->address);
    for (size_t i = 0; i < b->length; ++i) fprintf(out, "%s\n", b->instructions[i]);
  }
  fclose(out);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void* info, int count, char** words) {
  (void)info;
  (void)count;
  (void)words;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, finished, NULL);
  return 0;
}
