/** The StorageClass that Longhorn's manager makes itself, and makes anew whenever somebody else changes it. */
export const LONGHORN_CLASS = "longhorn";

/** The StorageClass of volumes on the node's own disk: fast, on one node only, never the default. */
export const LOCAL_PATH_CLASS = "local-path";
