#include "csv.hpp"

#include "support.hpp"

#include <algorithm>

namespace plm {
namespace {

constexpr std::size_t block_bytes = std::size_t{64} << 10;

std::string count_of(std::size_t count, const char* what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

// ---- the stream, block by block ----

CsvReader::CsvReader(std::istream& in) : in_(in), block_(block_bytes) {
    skip_mark();
    if (!skip_empty_lines()) throw CsvError{1, "the file is empty; its first row names the columns"};
    const auto line = line_;
    detect_separator();
    const auto columns = read_record(header_, most_columns);
    if (columns > most_columns) break_record("there are more than " + std::to_string(most_columns) + " columns");
    if (!broken_.empty()) throw CsvError{line, broken_};
}

bool CsvReader::fill() {
    if (in_.eof()) return false;
    in_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
    at_ = 0;
    end_ = static_cast<std::size_t>(in_.gcount());
    // A stream that fails before its end would otherwise pass for a short file.
    if (in_.bad() || (in_.fail() && !in_.eof())) throw sqlane::StorageError{"the CSV cannot be read; check the file"};
    return end_ > 0;
}

int CsvReader::peek() {
    if (at_ == end_ && !fill()) return at_end;
    return static_cast<unsigned char>(block_[at_]);
}

void CsvReader::take() {
    count_lines({block_.data() + at_, 1});
    ++at_;
}

std::string_view CsvReader::rest_of_block() const { return {block_.data() + at_, end_ - at_}; }

void CsvReader::skip_mark() {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    if (peek() != at_end && rest_of_block().starts_with(mark)) at_ += mark.size();
}

bool CsvReader::skip_empty_lines() {
    for (int c = peek(); c != at_end; c = peek()) {
        if (!is_line_end(c)) return true;
        take();
    }
    return false;
}

/// The one that the header has most of, outside of quotes.
void CsvReader::detect_separator() {
    constexpr std::string_view candidates = ",;\t";
    std::array<std::size_t, candidates.size()> counts{};
    bool quoted = false;
    for (const char c : rest_of_block()) {
        if (c == '"') quoted = !quoted;
        if (!quoted && is_line_end(static_cast<unsigned char>(c))) break;
        const auto which = candidates.find(c);
        if (!quoted && which != std::string_view::npos) ++counts.at(which);
    }
    const auto* const most = std::ranges::max_element(counts);
    separator_ = candidates[static_cast<std::size_t>(most - counts.begin())];
}

void CsvReader::count_lines(std::string_view text) {
    for (const char c : text) {
        if (c == '\r' || (c == '\n' && !after_return_)) ++line_;
        after_return_ = c == '\r';
    }
}

// ---- records ----

bool CsvReader::next(CsvRecord& record) {
    if (!skip_empty_lines()) return false;
    record.line = line_;
    record.fields.clear();
    const auto count = read_record(record.fields, header_.size());
    if (count != header_.size())
        break_record("it has " + count_of(count, "field") + ", and the header has " + std::to_string(header_.size()));
    if (!broken_.empty()) throw CsvError{record.line, broken_};
    return true;
}

/// To the end of its line, broken or not; keeps no more than `most` fields and tells how many there are.
std::size_t CsvReader::read_record(std::vector<std::string>& fields, std::size_t most) {
    broken_.clear();
    for (field_ = 1;; ++field_) {
        auto& field = field_ <= most ? fields.emplace_back() : surplus_;
        read_field(field);
        if (is_line_end(peek())) break;
        take();  // the separator
    }
    end_line();
    return field_;
}

void CsvReader::end_line() {
    // Of CRLF the second half is left to whoever skips empty lines.
    if (peek() != at_end) take();
}

void CsvReader::read_field(std::string& field) {
    field.clear();
    if (peek() == '"') {
        take();
        read_quoted(field);
        if (const int c = peek(); !is_line_end(c) && c != static_cast<unsigned char>(separator_)) {
            break_record("there is text behind the closing quote" + place() +
                         "; a quote inside of a quoted field is written twice");
            read_plain(surplus_);
        }
    } else {
        read_plain(field);
    }
    check_text(field);
}

void CsvReader::read_quoted(std::string& field) {
    const auto opened = line_;
    while (peek() != at_end) {
        const auto rest = rest_of_block();
        const auto text = rest.substr(0, rest.find('"'));
        append(field, text);
        count_lines(text);
        at_ += text.size();
        if (text.size() == rest.size()) continue;
        take();
        if (peek() != '"') return;
        append(field, "\"");
        take();
    }
    // Says so whatever else is wrong: this is what swallowed the rest of the file.
    broken_ = "the quote that opens" + place() + " on line " + std::to_string(opened) +
              " is never closed; nothing behind it was read";
}

void CsvReader::read_plain(std::string& field) {
    while (peek() != at_end) {
        const auto rest = rest_of_block();
        const auto* const end = std::ranges::find_if(
            rest, [this](char c) { return c == separator_ || is_line_end(static_cast<unsigned char>(c)); });
        const auto text = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
        append(field, text);
        if (!text.empty()) after_return_ = false;
        at_ += text.size();
        if (text.size() < rest.size()) return;
    }
}

/// What is too long is read to its end and not kept.
void CsvReader::append(std::string& field, std::string_view text) {
    if (field.size() + text.size() <= most_field_bytes)
        field += text;
    else
        break_record("there is more than 1 MiB" + place() + "; is a quote missing?");
}

void CsvReader::check_text(const std::string& field) {
    if (field.find('\0') != std::string::npos) break_record("there is a NUL" + place());
    if (!is_utf8(field)) break_record("there are bytes that are no UTF-8" + place() + "; save the file as UTF-8");
}

void CsvReader::break_record(const std::string& why) {
    if (broken_.empty()) broken_ = why;
}

std::string CsvReader::place() const { return " in field " + std::to_string(field_); }

// ---- writing ----

void CsvWriter::row(std::initializer_list<std::string_view> fields) {
    line_.clear();
    for (bool first = true; const auto field : fields) {
        if (!first) line_ += ',';
        first = false;
        append(field);
    }
    // One empty field would be an empty line, and those are skipped.
    if (line_.empty()) line_ = "\"\"";
    line_ += "\r\n";
    if (!out_.write(line_.data(), static_cast<std::streamsize>(line_.size())))
        throw sqlane::StorageError{"the CSV cannot be written; is the disk full?"};
}

void CsvWriter::append(std::string_view field) {
    if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
        line_ += field;
        return;
    }
    line_ += '"';
    for (const char c : field) line_.append(c == '"' ? 2 : 1, c);
    line_ += '"';
}

void CsvWriter::finish() {
    if (!out_.flush()) throw sqlane::StorageError{"the CSV cannot be written; is the disk full?"};
}

}  // namespace plm
