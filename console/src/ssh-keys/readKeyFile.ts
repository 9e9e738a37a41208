/** What a key file holds, as the API takes it: text as it is, anything else as base64. */
export async function readKeyFile(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
  }
}

/** No key file is longer, bytes: what is was chosen by mistake. */
export const LONGEST = 64 * 1024
