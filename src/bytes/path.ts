import { fileURLToPath } from "node:url";
import { FlashwaveError } from "../core/errors.ts";

/** The path of a file that a caller named. @throws `invalid_option` for what cannot be one */
export function pathOf(source: string | URL): string {
  if (typeof source !== "string" && source.protocol !== "file:")
    throw invalid(`a ${source.protocol} URL is not opened: fetch it and pass the body, with its digest`);
  const path = typeof source === "string" ? source : fileURLToPath(source);
  if (/^https?:\/\//i.test(path))
    throw invalid("a web address is not opened: fetch it and pass the body, with its digest");
  if (path === "" || path.includes("\0")) throw invalid("a path must have characters and no NUL");
  return path;
}

function invalid(what: string): FlashwaveError {
  return new FlashwaveError("invalid_option", `openArtifact: ${what}.`, { phase: "prepare" });
}
