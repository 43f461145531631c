#include "handle/connection.hpp"

#include <sqlite3.h>

namespace sqlane::detail {

CheckpointResult checkpoint(Connection& writer, Connection& second) {
    CheckpointResult result;
    if (const int begun = writer.control(Control::begin_immediate); begun != SQLITE_OK && begun != SQLITE_DONE) {
        result.message = sqlite3_errmsg(writer.raw());
        if ((begun & 0xff) != SQLITE_BUSY) result.outcome = CheckpointResult::Outcome::failed;
        return result;  // another process writes: it will do for another time
    }
    // Stronger modes would wait for readers, and silently become PASSIVE when they may not.
    const int code = sqlite3_wal_checkpoint_v2(second.raw(), "main", SQLITE_CHECKPOINT_PASSIVE, &result.frames_in_log,
                                               &result.frames_checkpointed);
    if (code != SQLITE_OK) result.message = sqlite3_errmsg(second.raw());
    writer.control(Control::rollback);
    if (code == SQLITE_OK)
        // More than the log holds means that the log was reset under the checkpoint: the race was hit after all.
        result.outcome = result.frames_checkpointed > result.frames_in_log ? CheckpointResult::Outcome::race_suspected
                                                                           : CheckpointResult::Outcome::done;
    else if ((code & 0xff) != SQLITE_BUSY)
        result.outcome = CheckpointResult::Outcome::failed;
    return result;
}

}  // namespace sqlane::detail
