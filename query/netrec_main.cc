// netrec: asks a timeline.
#include "query/program.h"

int main(int argc, char** argv) { return netrec::run_program(argc, argv); }
