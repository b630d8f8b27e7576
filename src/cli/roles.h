/* The roles this binary plays for itself: called by main() for `--role=NAME ...` before anything else. Never returns. */
#pragma once

void role_main(int argc, char **argv) __attribute__((noreturn));
