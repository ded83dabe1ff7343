"""The same findings on Spark: for notebooks a frame in and a frame out, for the command line paths in and a Parquet folder out.

Nothing here imports Spark before it is asked to work; the cluster's workers need this package installed, and nothing else of ours.
"""

from abstractor.batch.engine.spark.dump import run
from abstractor.batch.engine.spark.frame import annotate_frame, annotate_with_status

__all__ = ["annotate_frame", "annotate_with_status", "run"]
