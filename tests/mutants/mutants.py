# SPDX-License-Identifier: Apache-2.0
"""Each mutant breaks one guarantee; the tests of that guarantee, which pass without it in the other suites, must then fail.

usage: mutants.py BIN_FOLDER      (of a build with crash points: presets dev and tsan)
"""
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]

# mutant -> (what it breaks, program, filter of its tests; or script of a test, its arguments)
MUTANTS = {
    "storage.no_commit_sync": ("acknowledged before it is synced", "storage_test", "LogCrash.*"),
    "storage.visible_before_durable": ("readers see what is not durable", "storage_test", "Log*"),
    "storage.no_directory_sync": ("a new file's name is not synced", "storage_test", "LogCrash.*"),
    "storage.no_segment_sync": ("the checkpoint trims what no segment holds", "storage_test", "LogCrash.*"),
    "storage.no_write_through_sync": ("the commit log refers to what is not synced", "storage_test", "LogCrash.*"),
    "storage.failed_sync_ignored": ("a failed fsync is taken for a good one", "storage_test", "Log.aFailedSync*"),
    "storage.torn_frame_replayed": ("a frame that is not whole is replayed", "storage_test", "Damage.aTornLastFrame*"),
    "storage.torn_tail_not_cut": ("an append that was taken back comes again after a loss of power", "storage_test",
                                  "TornTail.anAppend*"),
    "storage.replay_without_checkpoint": ("a torn tail stays in the commit log, and more is written behind it",
                                          "storage_test", "Damage.aTornLastFrame*"),
    "storage.segment_tail_not_cut": ("a torn tail stays in a segment that is closed", "storage_test",
                                     "TornTail.ofASegment*"),
    "storage.sidecar_tail_not_cut": ("a torn tail stays in a sidecar that is closed", "storage_test",
                                     "TornTail.ofASidecar*"),
    "storage.full_disk_swallowed": ("an append that found no space is acknowledged", "storage_test", "Log.*pace*"),
    "storage.no_sidecar_check": ("a batch of another topic is served", "storage_test", "Damage.aBatchMovedFromAnother*"),
    "file.no_epoch_check": ("a sink's task that was replaced still writes", "file_plugin_test",
                            "SinkFileTest.AnOlderEpoch*"),
    "file.uncommitted_not_cut": ("what a sink did not commit stays, and comes again", "file_plugin_test",
                                 "SinkFileCrash.ExactlyOnceSurvivesAKill*"),
    "file.committed_before_sync": ("a file is rolled, or an offset stored, before the lines are synced", "file_plugin_test",
                                   "RollingFileCrash.ExactlyOnceSurvivesPowerLoss*"),
    "file.undecided_ignored": ("newer lines are read while older ones are copied", "file_plugin_test",
                               "FilesSourceRotationTest.WhatIsCopied*"),
    "file.loss_not_reported": ("lines that could not be read are lost in silence", "file_plugin_test",
                               "FilesSourceRotationTest.AFileDeletedBefore*"),
    "storage.no_check_on_read": ("corrupted bytes are served", "sweep_test", "Sweep.everyBitFlip*"),
    "storage.compaction_drops_latest": ("compaction removes the last value of a key", "storage_test", "CrashedRaces.random*"),
    "storage.tombstone_too_early": ("a tombstone goes before delete.retention.ms", "storage_test", "CrashedRaces.random*"),
    "storage.compaction_not_synced": ("a compaction takes the place of its segments before it is synced", "storage_test",
                                      "CrashedRaces.random*"),
    "storage.removed_before_decided": ("segments go before the new log start is durable", "storage_test",
                                       "CrashedRaces.random*"),
    "backup.of_many_moments": ("the partitions of a backup are of different moments",
                               "integration/log/backup_test.py", "BackupTest.test_a_backup_under_load_is_whole_and_goes_on"),
    "log.offsets_in_a_frame_of_their_own": ("a record and its source offset are two writes", "runtime_log_test",
                                            "*AnAppendThatIsRefused*"),
    "log.no_epoch_check": ("an owner that was replaced still writes", "runtime_log_test", "*Fenced*"),
    "log.gap_skipped": ("records that are gone are passed over in silence", "runtime_log_test", "*PauseAndSeek*"),
    "source.acknowledged_before_durable": ("a source is told before its records are durable", "runtime_task_test",
                                           "SourceRunnerTest.*"),
    "sink.dead_letter_not_awaited": ("a sink's offset passes a dead letter that is not durable", "runtime_task_test",
                                    "SinkDeadLetters.*"),
    "sink.committed_before_written": ("a sink's offset runs ahead of its target", "runtime_task_test", "SinkRunnerTest.*"),
    "mqtt.acknowledged_before_durable": ("PUBACK goes out before the message is on disk",
                                         "integration/mqtt/puback_trace_test.py", "--messages 500"),
    "herder.no_handover": ("two tasks work on the same part of a source", "herder_test", "*NewTasksWait*"),
}


def run(folder, program, tests, mutant):
    environment = {**os.environ, "SLUICE_MUTANT": mutant}
    command = [str(folder / program), f"--gtest_filter={tests}", "--gtest_brief=1", "--gtest_fail_fast"]
    if program.endswith(".py"):
        command = [sys.executable, str(TESTS / program), str(folder / "sluice"), *tests.split()]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if "0 tests from 0 test suites ran" in done.stdout:
        sys.exit(f"{program} has no test {tests}")
    return done.returncode


def main():
    folder = Path(sys.argv[1])
    survivors = []
    tried = 0
    for mutant, (breaks, program, tests) in MUTANTS.items():
        if mutant.startswith("mqtt.") and not (folder.parent / "lib" / "sluice" / "plugins" / "mqtt.so").exists():
            print(f"not tried, there is no MQTT plugin in this build: {mutant}")
            continue
        tried += 1
        killed = run(folder, program, tests, mutant) != 0
        print(f"{'red ' if killed else 'ALIVE'} {mutant}: {breaks} ({program} {tests})", flush=True)
        if not killed:
            survivors.append(mutant)
    if survivors:
        sys.exit(f"no test notices: {', '.join(survivors)}")
    print(f"{tried} mutants, each noticed by its tests")


main()
