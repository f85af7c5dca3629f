//! The `benchtop` program: hands the command line to the library.

fn main() -> std::process::ExitCode {
    benchtop::cli::run()
}
