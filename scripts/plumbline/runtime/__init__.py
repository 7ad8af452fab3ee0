"""What every job runs on: command line, job log, watchdog, devices, seeds, progress, torch."""
