/**
 * What a key may do in its bucket: what Velero, kopia and K3s call through the S3 interface, and neither buckets nor
 * keys nor retention. Source: Backblaze's table of S3 calls and capabilities.
 */
export const bucketCapabilities = ["listBuckets", "listFiles", "readFiles", "writeFiles", "deleteFiles"] as const;
