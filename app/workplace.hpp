#pragma once

#include "cli.hpp"

#include <plm/database_manager.hpp>
#include <plm/errors.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the commands on parts and revisions share.
namespace cli {

struct CommonOptions {
    std::string database;
    std::string user;
    bool yes = false;
};

/// A database that is open, and who works in it.
class Workplace {
public:
    enum class Missing : std::uint8_t { refuse, make };
    Workplace(const CommonOptions& options, bool json, Missing missing = Missing::refuse);

    plm::DatabaseManager* operator->() { return &db_; }
    [[nodiscard]] const std::string& file() const noexcept { return file_; }

    /// --as, or SQLANE_USER, or who is logged in. BadUsage when that is nobody here.
    plm::UserId user();
    /// Throws PermissionDenied, with `what` the user may not do.
    void require(plm::Right right, const std::string& what);

    plm::Part part(std::string_view number) { return db_.parts().find(number); }
    /// NUMBER is its latest revision, NUMBER@LABEL that one.
    plm::Revision revision(std::string_view reference);
    /// The part, and the revision if one is named.
    std::pair<plm::Part, std::optional<plm::Revision>> part_or_revision(std::string_view reference);

    // What people call what has an id. Asked for once.
    std::string name_of(plm::UserId id);
    std::string name_of(const plm::Actor& by) { return by ? name_of(*by) : ""; }
    std::string number_of(plm::PartId id);
    std::string title_of(const plm::Revision& revision) { return number_of(revision.part) + "@" + revision.label; }
    std::string label_of(const std::optional<plm::RevisionId>& id);

private:
    std::string file_;
    std::string named_user_;
    plm::DatabaseManager db_;
    std::map<plm::UserId, std::string> users_;
    std::map<plm::PartId, std::string> parts_;
};

/// Adds --db, --as, --json and the text below the options.
void add_common_options(CLI::App& verb, CommonOptions& options, const std::string& examples);
/// For what cannot be taken back.
void add_yes(CLI::App& verb, CommonOptions& options);

/// A command of several verbs, such as `sqlane part`.
class Group {
public:
    Group(CLI::App& app, const char* name, const char* what, const std::string& examples);

    CLI::App* add(const char* name, const char* what, const std::string& examples, CommonOptions& options,
                  std::function<int(bool json)> run);
    [[nodiscard]] Command command() const {
        return {group_, [verbs = verbs_, group = group_](bool json) { return run(*group, verbs, json); }};
    }

private:
    static int run(const CLI::App& group, const std::vector<Command>& verbs, bool json);

    CLI::App* group_;
    std::vector<Command> verbs_;
};

/// `run` with the database open.
template <class Arguments>
std::function<int(bool)> in_workplace(const std::shared_ptr<Arguments>& arguments,
                                      int (*run)(Workplace&, const Arguments&, bool json),
                                      Workplace::Missing missing = Workplace::Missing::refuse) {
    return [arguments, run, missing](bool json) {
        Workplace workplace{*arguments, json, missing};
        return run(workplace, *arguments, json);
    };
}

/// "Examples:", one per line, and the exit codes.
std::string footer_with(const std::string& examples);

}  // namespace cli
