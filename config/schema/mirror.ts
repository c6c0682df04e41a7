import { z } from "zod";
import { absolutePath, pattern } from "./scalars";

/**
 * A folder with every artefact of the pinned versions, filled by `npm run mirror`. Present: nothing is fetched from
 * upstream any more. Machines reach it by its URL; charts are read from the folder itself.
 */
export const mirrorSchema = z.strictObject({
  /**
   * Where machines reach the folder; `npm run mirror -- --serve` serves it. Plain HTTP is enough: every file is checked
   * against its digest, and images are addressed by theirs once the tag has been resolved.
   */
  url: pattern(
    /^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?$/,
    "a URL of scheme, host and port, without a path or a trailing slash",
    "write for example http://192.168.10.100:8470",
  ),
  /** The folder as this computer sees it, for example the NFS mount of the R730's. */
  folder: absolutePath,
  /** Folder of the lock that records the mirror's digests. Default: beside the program, where it is committed. */
  lockFolder: absolutePath.optional(),
});
