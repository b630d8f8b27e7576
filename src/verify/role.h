/* The role "verifier": one process, one connection, one prover. As mover_main(). */
#pragma once

struct worker_fds;
void verifier_role_main(const struct worker_fds *fds) __attribute__((noreturn));
