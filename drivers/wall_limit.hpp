/// How long a run may take: durations as people and schedulers write them, and what is left of a batch job.
#pragma once

#include <optional>
#include <string>

namespace kolmo::drivers {

/// Seconds of "90", "90s", "30m", "2h", "1d", "1:30:00" (h:mm:ss), "30:00" (mm:ss) or "1-02:30:00" (with days, as SLURM
/// prints it); nothing where it is none of these or not above 0.
std::optional<double> seconds_of_duration(const std::string& text);

/// Seconds until the batch job ends that this process runs in; nothing outside of a job, without a limit, or where
/// nobody knows. Under SLURM from SLURM_JOB_END_TIME (seconds since 1970; newer versions set it), else `squeue` is
/// asked. For one rank, once.
std::optional<double> seconds_left_of_job();

}  // namespace kolmo::drivers
