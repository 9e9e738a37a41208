const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
const number = new Intl.NumberFormat(undefined)

/** `12,345`. */
export const count = (value: number) => number.format(value)

/** `1 file`, `2 files`. */
export const counted = (value: number, one: string, many = `${one}s`) =>
  `${number.format(value)} ${value === 1 ? one : many}`

/** `0 B`, `950 B`, `1.2 MB`, by powers of ten. */
export function bytes(value: number): string {
  let unit = 0
  let scaled = value
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000
    unit += 1
  }
  const text =
    unit === 0 || scaled >= 99.5
      ? Math.round(scaled).toString()
      : scaled >= 9.95
        ? scaled.toFixed(1)
        : scaled.toFixed(2)
  return `${text} ${units[unit]}`
}

/** `1.2 MB/s`. */
export const rate = (bytesPerSecond: number) => `${bytes(bytesPerSecond)}/s`

/** Words that are written otherwise than they are spelt in names. */
const written: Record<string, string> = {
  api: 'API',
  cidr: 'CIDR',
  fips: 'FIPS',
  ftp: 'FTP',
  id: 'ID',
  sftp: 'SFTP',
  smtp: 'SMTP',
  ssh: 'SSH',
  starttls: 'STARTTLS',
  tls: 'TLS',
  url: 'URL',
}

/** `trust_on_first_use` → `Trust on first use`, `ssh_key` → `SSH key`, `sftp.download` → `SFTP download`. */
export function words(name: string): string {
  const text = name
    .split(/[_.]/)
    .map((word) => written[word] ?? word)
    .join(' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const names: Record<string, string> = {
  sftp: 'SFTP',
  ftp: 'FTP',
  ftps: 'FTPS',
  local: 'Local folder',
  azure_function: 'Azure Functions',
}

/** A protocol as people write it. */
export const protocolName = (protocol: string) => names[protocol] ?? words(protocol)
