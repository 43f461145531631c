#pragma once

#include <plm/errors.hpp>
#include <plm/values.hpp>

#include <sqlane/errors.hpp>
#include <sqlane/reader.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// What the managers share.
namespace plm {

inline Time now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

/// Without the white space around it.
std::string trimmed(std::string_view text);

bool is_utf8(std::string_view text);

/// Throws InvalidValue for a text that holds characters no screen can show, or bytes that are no characters.
void require_readable(const std::string& field, std::string_view text);
/// The same, and for one that is empty.
void require_text(const std::string& field, std::string_view text);

/// What a number ends with: 10000 of "EL-RES-10000". Nothing when it is no number.
std::optional<std::int64_t> value_in(std::string_view number);

/// The number of a part, for messages. Throws NotFound.
std::string number_of(sqlane::Reader& r, PartId id);
/// "EL-RES-10000 rev 2", for messages. Throws NotFound.
std::string title_of(sqlane::Reader& r, RevisionId id);

/// Throws Locked when the newest revision of the part is no draft.
void require_unlocked(sqlane::Reader& r, PartId id);
/// Throws Locked when the revision is no draft.
void require_draft(sqlane::Reader& r, RevisionId id);

/// Does `work`; what is there already is a Conflict.
template <class Work>
auto unless_taken(const std::string& what, Work&& work) {
    try {
        return std::forward<Work>(work)();
    } catch (const sqlane::ConstraintError& error) {
        if (error.kind() != sqlane::ConstraintKind::unique) throw;
        throw Conflict{what + " is there already"};
    }
}

}  // namespace plm
