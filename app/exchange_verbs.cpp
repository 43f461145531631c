#include "exchange_verbs.hpp"

#include "progress_line.hpp"

#include <plm/exchange.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace cli {
namespace {

namespace fs = std::filesystem;

struct Arguments : CommonOptions {
    std::string file = "-";
    std::string number;
    bool dry_run = false;
    bool all_or_nothing = false;
    bool make_revisions = false;
    int batch = 1000;
    std::int64_t skip = 0;
    bool no_retired = false;
};

using Import = plm::ImportResult (*)(sqlane::ConnectionManager&, std::istream&, const plm::ImportOptions&);

// ---- import ----

/// The file that was named, or what comes on stdin.
class Source {
public:
    explicit Source(const std::string& file) {
        if (file == "-") return;
        file_.open(file, std::ios::binary);
        if (!file_) throw plm::NotFound{"file", "'" + file + "' that can be read"};
        std::error_code unknown;
        size_ = static_cast<std::int64_t>(fs::file_size(file, unknown));
        if (unknown) size_ = 0;
    }
    std::istream& stream() { return file_.is_open() ? file_ : std::cin; }
    /// -1 when that cannot be told.
    int percent() {
        const auto read = size_ > 0 ? static_cast<std::int64_t>(file_.tellg()) : -1;
        return read < 0 ? -1 : static_cast<int>(std::min<std::int64_t>(100, read * 100 / size_));
    }

private:
    std::ifstream file_;
    std::int64_t size_ = 0;
};

/// For a shell.
std::string in_quotes(const std::string& text) {
    constexpr const char* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
    if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return quoted + "'";
}

/// The command that goes on where this one ended.
std::string command_to_resume(Workplace& workplace, const Arguments& arguments, const char* what,
                              const plm::ImportResult& result) {
    return std::string{"sqlane "} + what + " import " + in_quotes(arguments.file) + " --db " +
           in_quotes(workplace.file()) + (arguments.user.empty() ? "" : " --as " + in_quotes(arguments.user)) +
           (arguments.make_revisions ? " --make-revisions" : "") +
           (arguments.batch == Arguments{}.batch ? "" : " --batch " + std::to_string(arguments.batch)) + " --skip " +
           std::to_string(result.settled);
}

Json to_json(const plm::ImportResult& result) {
    Json errors = Json::array();
    for (const auto& error : result.errors) errors.push_back({{"line", error.line}, {"why", error.why}});
    return {{"rows", result.rows},
            {"imported", result.imported},
            {"bad_rows", result.bad_rows},
            {"settled", result.settled},
            {"errors", errors}};
}

void print_row_errors(const Arguments& arguments, const plm::ImportResult& result) {
    const auto file = arguments.file == "-" ? std::string{"stdin"} : printable(arguments.file);
    for (const auto& error : result.errors)
        std::cerr << file << ':' << error.line << ": " << printable(error.why) << '\n';
    const auto more = result.bad_rows - static_cast<std::int64_t>(result.errors.size());
    if (more > 0) std::cerr << "and " << number(more) << " more\n";
}

/// What stopped is told with the rows that were bad until then, and with how to go on.
int tell_stopped(const plm::ImportStopped& stopped, const Arguments& arguments, const std::string& resume,
                 bool interrupted, bool json) {
    const auto& result = stopped.result();
    const bool resumable = !arguments.dry_run && !arguments.all_or_nothing;
    if (json) {
        auto error = cli::to_json(stopped);
        error["result"] = to_json(result);
        if (resumable) error["resume"] = resume;
        print(Json{{"error", error}});
    } else {
        print_row_errors(arguments, result);
        print_error(kind_of(stopped), stopped.what(),
                    resumable ? number(result.imported) + " rows are in. Go on: " + resume : "Nothing was kept.");
    }
    return interrupted ? cancelled : failed;
}

int tell_result(const plm::ImportResult& result, const Arguments& arguments, bool json) {
    if (json) {
        auto object = to_json(result);
        object["dry_run"] = arguments.dry_run;
        print(object);
    } else {
        print_row_errors(arguments, result);
        std::cout << number(result.imported) << " of " << counted(static_cast<std::uint64_t>(result.rows), "row")
                  << (arguments.dry_run ? " can be imported" : " imported")
                  << (result.bad_rows > 0 ? ", " + paint(Paint::bad, number(result.bad_rows) + " bad") : "") << '\n';
    }
    return result.bad_rows > 0 ? failed : done;
}

int run_import(Workplace& workplace, const Arguments& arguments, const char* what, Import import, bool json) {
    workplace.require(plm::Right::create_parts, std::string{"import a "} + what);
    Source source{arguments.file};
    const StopOnInterrupt interrupt;
    try {
        ProgressLine line;
        plm::ImportOptions options{.dry_run = arguments.dry_run,
                                   .all_or_nothing = arguments.all_or_nothing,
                                   .make_revisions = arguments.make_revisions,
                                   .batch = arguments.batch,
                                   .skip = arguments.skip,
                                   .by = workplace.user(),
                                   .stop = interrupt.token()};
        if (!json && stderr_is_terminal())
            options.on_progress = [&](std::int64_t rows) {
                const int percent = source.percent();
                line.draw((percent < 0 ? "" : progress_bar(percent)) + number(rows) + " rows");
            };
        const auto result = import(workplace->connections(), source.stream(), options);
        line.clear();
        return tell_result(result, arguments, json);
    } catch (const plm::ImportStopped& stopped) {
        return tell_stopped(stopped, arguments, command_to_resume(workplace, arguments, what, stopped.result()),
                            interrupt.token().stop_requested(), json);
    }
}

int run_part_import(Workplace& workplace, const Arguments& arguments, bool json) {
    return run_import(workplace, arguments, "part", plm::import_parts, json);
}

int run_bom_import(Workplace& workplace, const Arguments& arguments, bool json) {
    return run_import(workplace, arguments, "bom", plm::import_bom, json);
}

// ---- export ----

using Export = std::function<std::int64_t(std::ostream&)>;

/// In one step, so that a full disk leaves what was there.
std::int64_t write_file(const std::string& file, const Export& write) {
    const auto partial = file + ".partial";
    const auto require = [&](bool written) {
        if (!written) throw sqlane::StorageError{"cannot write '" + file + "'"};
    };
    try {
        std::ofstream stream{partial, std::ios::binary};
        require(stream.is_open());
        const auto rows = write(stream);
        stream.close();
        require(!stream.fail());
        fs::rename(partial, file);
        return rows;
    } catch (...) {
        std::error_code ignored;
        fs::remove(partial, ignored);
        throw;
    }
}

int run_export(const Arguments& arguments, const Export& write, bool json) {
    if (arguments.file == "-") {
        if (json) throw BadUsage{"--json needs a file for the CSV, since both would go to stdout"};
        write(std::cout);
        return done;
    }
    if (fs::exists(arguments.file)) require_consent("replace " + arguments.file + "?", arguments.yes);
    const auto rows = write_file(arguments.file, write);
    if (json)
        print(Json{{"file", arguments.file}, {"rows", rows}});
    else
        std::cout << counted(static_cast<std::uint64_t>(rows), "row") << " in " << printable(arguments.file) << '\n';
    return done;
}

int run_part_export(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto write = [&](std::ostream& csv) {
        return plm::export_parts(workplace->connections(), csv, !arguments.no_retired);
    };
    return run_export(arguments, write, json);
}

int run_bom_export(Workplace& workplace, const Arguments& arguments, bool json) {
    if (!arguments.number.empty()) workplace.part(arguments.number);
    const auto write = [&](std::ostream& csv) {
        return plm::export_bom(workplace->connections(), csv, arguments.number);
    };
    return run_export(arguments, write, json);
}

// ---- the arguments ----

void add_import_options(CLI::App* verb, Arguments& a) {
    verb->add_option("file", a.file, "The CSV file; - for stdin")->required()->type_name("FILE");
    verb->add_flag("--dry-run", a.dry_run, "Read and check everything, and keep nothing");
    verb->add_flag("--all-or-nothing", a.all_or_nothing, "Keep nothing when one row is bad");
    verb->add_option("--batch", a.batch, "Rows of one transaction")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    verb->add_option("--skip", a.skip, "Begin behind that many rows, to go on after a failure")
        ->check(CLI::NonNegativeNumber);
}

void add_export_options(CLI::App* verb, Arguments& a) {
    verb->add_option("file", a.file, "The CSV file; - for stdout")->capture_default_str()->type_name("FILE");
    add_yes(*verb, a);
}

}  // namespace

void add_part_exchange(Group& part) {
    const auto arguments = std::make_shared<Arguments>();
    auto& a = *arguments;
    add_import_options(part.add("import", "Read parts from CSV: category and name, and more if there is",
                                "part import parts.csv --dry-run\npart import parts.csv --all-or-nothing", a,
                                in_workplace(arguments, run_part_import)),
                       a);
    auto* out = part.add("export", "Write the parts as CSV that 'part import' reads", "part export parts.csv", a,
                         in_workplace(arguments, run_part_export));
    add_export_options(out, a);
    out->add_flag("--no-retired", a.no_retired, "Leave out those that are retired");
}

void add_bom_exchange(Group& bom) {
    const auto arguments = std::make_shared<Arguments>();
    auto& a = *arguments;
    auto* in = bom.add("import", "Read BOM lines from CSV: parent, child and quantity, and more if there is",
                       "bom import bom.csv --dry-run\nbom import other.csv --make-revisions", a,
                       in_workplace(arguments, run_bom_import));
    add_import_options(in, a);
    in->add_flag("--make-revisions", a.make_revisions,
                 "Make drafts of the revisions that the file names and are missing");
    auto* out = bom.add("export", "Write the BOM lines of the latest revisions as CSV that 'bom import' reads",
                        "bom export bom.csv\nbom export --of AS-10002 as-10002.csv", a,
                        in_workplace(arguments, run_bom_export));
    add_export_options(out, a);
    out->add_option("--of", a.number, "Only those of this part")->type_name("NUMBER");
}

}  // namespace cli
