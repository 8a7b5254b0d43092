#pragma once

#include "base/result.hpp"
#include "cyrus/twoskip_file.hpp"
#include "cyrus/twoskip_format.hpp"

#include <random>

namespace cyrus {

/// Brings a file that an unfinished transaction left unclean back to its last commit, in place: pointers behind
/// `header.current_size` go, the higher lists are made to agree with list 0, the rest of the file is cut off, and the
/// header is written without DIRTY and with the records that were counted. Cyrus calls this recovery1.
///
/// The caller holds the exclusive lock; the header of `file` on the disk must be DIRTY or the file longer than it says.
/// May be interrupted anywhere and be run again. Errors: corrupt (list 0 is broken; its records are as they were);
/// limit; io.
base::Result<TwoskipHeader> relink_twoskip(TwoskipFile& file, TwoskipHeader header);

/// Replays every transaction that is whole into a new version of `file`, from the front, and puts that in its place:
/// for files that relink_twoskip() cannot mend. Cyrus calls this recovery2. What a broken transaction stored is lost,
/// so older values or removed keys can come back. `replaced` is as in replace_twoskip(). Errors: as there.
base::Result<TwoskipHeader> rebuild_twoskip(TwoskipFile& file, const TwoskipHeader& header, std::minstd_rand& random,
                                            bool& replaced);

}  // namespace cyrus
