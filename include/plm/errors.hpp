#pragma once

#include <sqlane/errors.hpp>

#include <string>
#include <utility>
#include <vector>

/// What can go wrong in the domain, beside what can go wrong in the access layer. All of them are sqlane::Error.
namespace plm {

/// What was asked for is not there. Names what, and which.
class NotFound : public sqlane::NotFound {
public:
    NotFound(std::string kind, std::string which)
        : sqlane::NotFound("there is no " + kind + " " + which), kind_(std::move(kind)), which_(std::move(which)) {}
    /// "part", "revision", ...
    [[nodiscard]] const std::string& kind() const noexcept { return kind_; }
    [[nodiscard]] const std::string& which() const noexcept { return which_; }

private:
    std::string kind_;
    std::string which_;
};

/// A value that the domain has no place for. Tell the user which field, and why.
class InvalidValue : public sqlane::Error {
public:
    InvalidValue(std::string field, const std::string& why)
        : sqlane::Error(field + ": " + why), field_(std::move(field)) {}
    [[nodiscard]] const std::string& field() const noexcept { return field_; }

private:
    std::string field_;
};

/// Somebody else was there first. Show what changed, and let the user decide.
class Conflict : public sqlane::Error {
public:
    struct Change {
        std::string field;
        std::string theirs;
        std::string yours;
    };
    explicit Conflict(const std::string& what, std::vector<Change> changes = {})
        : sqlane::Error(what), changes_(std::move(changes)) {}
    /// Empty where it is no matter of fields, such as for a name that is taken.
    [[nodiscard]] const std::vector<Change>& changes() const noexcept { return changes_; }

private:
    std::vector<Change> changes_;
};

/// The user may not do this.
class PermissionDenied : public sqlane::Error {
    using Error::Error;
};

/// No transition of the workflow leads there. Says from where, to where, and what is allowed.
class InvalidTransition : public sqlane::Error {
public:
    InvalidTransition(const std::string& what, std::string from, std::string to, std::vector<std::string> allowed)
        : sqlane::Error(what), from_(std::move(from)), to_(std::move(to)), allowed_(std::move(allowed)) {}
    [[nodiscard]] const std::string& from() const noexcept { return from_; }
    /// The state, or the name of the transition, that was asked for.
    [[nodiscard]] const std::string& to() const noexcept { return to_; }
    /// The names of the transitions that lead away from `from`.
    [[nodiscard]] const std::vector<std::string>& allowed() const noexcept { return allowed_; }

private:
    std::string from_;
    std::string to_;
    std::vector<std::string> allowed_;
};

/// What is in review, released or obsolete stays as it is. Make a new revision.
class Locked : public sqlane::Error {
    using Error::Error;
};

}  // namespace plm
