import { Anchor, Breadcrumbs, Text } from '@mantine/core'
import { ChevronRight } from 'lucide-react'
import { crumbs } from './paths'

/** The folders on the way to this one; each of them goes there. */
export function PathCrumbs({ path, onGo }: { path: string; onGo: (path: string) => void }) {
  const trail = crumbs(path, 'Login folder')
  return (
    <Breadcrumbs
      component="nav"
      aria-label="Folders"
      separator={<ChevronRight size={14} aria-hidden />}
      separatorMargin={4}
      style={{ flexWrap: 'wrap' }}
    >
      {trail.map((crumb, index) =>
        index === trail.length - 1 ? (
          <Text key={crumb.path} fw={600} aria-current="location" style={{ overflowWrap: 'anywhere' }}>
            {crumb.label}
          </Text>
        ) : (
          <Anchor key={crumb.path} component="button" type="button" onClick={() => onGo(crumb.path)}>
            {crumb.label}
          </Anchor>
        ),
      )}
    </Breadcrumbs>
  )
}
