// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU that counts the instructions a guest executes, those of the
 * kernel and those of processes apart, and notes both numbers whenever the guest
 * calls a function in the page of marks (guest/marks.py).  Counting costs the
 * guest nothing, in instructions or in virtual time.
 *
 *   -plugin instructions.so,out=FILE[,blocks=FILE]
 *
 * The first FILE gets three 64-bit numbers for each mark: which one, kernel,
 * processes.  The other one gets, from each mark BEGIN to the next mark END, two
 * for each block of the kernel that is executed: its address and its length in
 * instructions; and two zeros at the end.
 *
 * QEMU's header for plugins is not packaged by Debian; what is declared here is
 * the small part of the interface that all of its versions have in common.  All
 * functions run in the thread of the one processor, but for the installation.
 */

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct block;
typedef void (*translated)(plugin_id id, struct block *block);
typedef void (*executed)(unsigned int processor, void *data);
typedef void (*ended)(plugin_id id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translated call);
void qemu_plugin_register_vcpu_tb_exec_cb(struct block *block, executed call, int flags, void *data);
void qemu_plugin_register_atexit_cb(plugin_id id, ended call, void *data);
size_t qemu_plugin_tb_n_insns(const struct block *block);
uint64_t qemu_plugin_tb_vaddr(const struct block *block);
/* Since QEMU 9, which wants to be asked for version 2 at least. */
void qemu_plugin_scoreboard_new(void) __attribute__((weak));

EXPORT int qemu_plugin_version = 1;

enum { NO_REGISTERS = 0 };

/* The page whose addresses are marks, sixteen bytes apart; as in marks.py. */
static const uint64_t marks = 0x6d000000, page = 4096, step = 16;

enum { BEGIN = 1, END = 2 };

static uint64_t kernel, processes;
static struct { uint64_t mark, kernel, processes; } records[4096];
static size_t used;
static int out = -1;
static FILE *blocks;
static int tracing;

/* What a block of the kernel is known by, as long as its translation lives: in one
 * word, of which the upper bits of the address, all ones, make room for the length. */
enum { ADDRESS_BITS = 48 };
static const uint64_t address_mask = ((uint64_t)1 << ADDRESS_BITS) - 1;

__attribute__((constructor)) static void choose_version(void)
{
	if (qemu_plugin_scoreboard_new)
		qemu_plugin_version = 2;
}

static void flush(void)
{
	const char *at = (const char *)records;
	size_t left = used * sizeof(records[0]);

	while (left) {
		ssize_t written = write(out, at, left);

		if (written <= 0)
			break;	/* The reader misses the records, and says so. */
		at += written;
		left -= (size_t)written;
	}
	used = 0;
}

static void in_kernel(unsigned int processor, void *instructions)
{
	(void)processor;
	kernel += (uintptr_t)instructions;
}

static void in_process(unsigned int processor, void *instructions)
{
	(void)processor;
	processes += (uintptr_t)instructions;
}

static void note_block(uint64_t address, uint64_t length)
{
	uint64_t record[] = { address, length };

	fwrite(record, sizeof(record), 1, blocks);
}

static void in_block(unsigned int processor, void *block)
{
	uint64_t word = (uintptr_t)block;

	(void)processor;
	if (tracing)
		note_block(word | ~address_mask, word >> ADDRESS_BITS);
}

static void at_mark(unsigned int processor, void *mark)
{
	(void)processor;
	if (blocks && (uintptr_t)mark == BEGIN)
		tracing = 1;
	if (tracing && (uintptr_t)mark == END) {
		tracing = 0;
		note_block(0, 0);
	}
	records[used].mark = (uintptr_t)mark;
	records[used].kernel = kernel;
	records[used].processes = processes;
	if (++used == sizeof(records) / sizeof(records[0]))
		flush();
}

/*
 * A block of instructions is counted when it begins.  One that a fault ends early
 * is counted in full, and again for its rest: a few instructions per fault.
 */
static void translate(plugin_id id, struct block *block)
{
	uint64_t at = qemu_plugin_tb_vaddr(block);
	uintptr_t instructions = qemu_plugin_tb_n_insns(block);
	executed call = at >> 63 ? in_kernel : in_process;

	(void)id;
	if (at - marks < page)
		qemu_plugin_register_vcpu_tb_exec_cb(block, at_mark, NO_REGISTERS,
						     (void *)(uintptr_t)((at - marks) / step));
	qemu_plugin_register_vcpu_tb_exec_cb(block, call, NO_REGISTERS, (void *)instructions);
	if (blocks && at >> 63)
		qemu_plugin_register_vcpu_tb_exec_cb(block, in_block, NO_REGISTERS,
						     (void *)((at & address_mask) | instructions << ADDRESS_BITS));
}

static void finish(plugin_id id, void *data)
{
	(void)id;
	(void)data;
	flush();
	close(out);
	if (blocks)
		fclose(blocks);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = open(argv[i] + 4, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (!strncmp(argv[i], "blocks=", 7)) {
			blocks = fopen(argv[i] + 7, "we");
			if (!blocks)
				return -1;
		}
	}
	if (out < 0)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
