/** The kinds of storages that there are. */
export const schemes = ['file', 's3', 'azblob', 'gcs'] as const
export type Scheme = (typeof schemes)[number]

const names: Record<string, string> = {
  file: 'Folder',
  s3: 'S3',
  azblob: 'Azure Blob Storage',
  gcs: 'Google Cloud Storage',
}

/** A kind of storage as people write it. */
export const schemeName = (scheme: string) => names[scheme] ?? scheme

/** Where a storage is, in the parts that its URL is made of. Those that its kind doesn't have are empty. */
export type Place = {
  scheme: Scheme
  folder: string
  /** Bucket or container. */
  bucket: string
  prefix: string
  region: string
  endpoint: string
  /** The bucket is part of the host's name. */
  virtualHosts: boolean
  /** Opened with what the process finds around it, without credentials of its own. */
  environment: boolean
}

export const nowhere: Place = {
  scheme: 'file',
  folder: '',
  bucket: '',
  prefix: '',
  region: '',
  endpoint: '',
  virtualHosts: false,
  environment: false,
}

const encoded = (path: string) => path.split('/').map(encodeURIComponent).join('/')

/** The URL of a place: `s3://bucket/prefix?region=eu-central-1`. */
export function urlOf(place: Place): string {
  if (place.scheme === 'file') return `file://${encoded(place.folder.trim())}`
  const prefix = place.prefix.trim().replace(/^\/+|\/+$/g, '')
  const params = new URLSearchParams()
  if (place.endpoint.trim()) params.set('endpoint', place.endpoint.trim())
  if (place.scheme === 's3' && place.region.trim()) params.set('region', place.region.trim())
  if (place.scheme === 's3' && place.virtualHosts) params.set('addressing', 'virtual')
  if (place.environment) params.set('auth', 'environment')
  const query = params.size > 0 ? `?${params}` : ''
  return `${place.scheme}://${place.bucket.trim()}${prefix ? `/${encoded(prefix)}` : ''}${query}`
}

/** The place that a URL names; nowhere, if it names none that we know. */
export function placeOf(url: string): Place {
  const [, scheme = '', rest = ''] = /^([a-z0-9]+):\/\/(.*)$/.exec(url) ?? []
  if (!isScheme(scheme)) return nowhere
  const [address = '', query = ''] = rest.split('?', 2)
  const at = address.indexOf('/')
  const path = decoded(at < 0 ? '' : address.slice(at))
  if (scheme === 'file') return { ...nowhere, folder: path }
  const params = new URLSearchParams(query)
  return {
    ...nowhere,
    scheme,
    bucket: at < 0 ? address : address.slice(0, at),
    prefix: path.replace(/^\/+|\/+$/g, ''),
    region: params.get('region') ?? '',
    endpoint: params.get('endpoint') ?? '',
    virtualHosts: params.get('addressing') === 'virtual',
    environment: params.get('auth') === 'environment',
  }
}

const isScheme = (text: string): text is Scheme => (schemes as readonly string[]).includes(text)

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** What credentials belong to: they don't go along where this changes. */
export function owner(place: Place): string {
  let endpoint = place.endpoint.trim()
  try {
    endpoint = endpoint && new URL(endpoint).href
  } catch {
    // Not an address yet: another one than before all the same.
  }
  return [place.scheme, endpoint, place.bucket.trim()].join(' ')
}
