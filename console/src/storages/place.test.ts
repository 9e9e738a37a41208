import { describe, expect, it } from 'vitest'
import { nowhere, owner, placeOf, urlOf } from './place'

describe('places', () => {
  it.each([
    'file:///srv/archive',
    'file:///srv/caf%C3%A9%20au%20lait',
    's3://lake/inbox?region=eu-central-1',
    's3://inbox?endpoint=https%3A%2F%2Fminio.example.com&addressing=virtual',
    'azblob://container/a/b',
    'gcs://bucket?auth=environment',
  ])('are read and written: %s', (url) => {
    expect(urlOf(placeOf(url))).toBe(url)
  })

  it('have only what their kind has', () => {
    const place = { ...nowhere, scheme: 'gcs' as const, bucket: ' b ', prefix: '/p/', region: 'x', virtualHosts: true }
    expect(urlOf(place)).toBe('gcs://b/p')
    expect(placeOf('ftp://somewhere')).toEqual(nowhere)
  })

  it('own their credentials by server and bucket', () => {
    const place = placeOf('s3://lake/a?endpoint=https://minio.example.com')
    expect(owner({ ...place, prefix: 'b', region: 'x' })).toBe(owner(place))
    expect(owner({ ...place, endpoint: 'https://minio.example.com/' })).toBe(owner(place))
    expect(owner({ ...place, bucket: 'other' })).not.toBe(owner(place))
  })
})
