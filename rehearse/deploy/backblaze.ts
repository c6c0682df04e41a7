/** Why nothing of Backblaze B2 is carried out in a rehearsal. */
export const BACKBLAZE = "there is no Backblaze here";
