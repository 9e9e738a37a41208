import { Button } from '@mantine/core'
import { Link } from 'react-router'
import { Empty } from '../ui/Empty'
import { Page } from '../ui/Page'

export default function Missing() {
  return (
    <Page title="There is no such page">
      <Empty
        title="This address leads nowhere"
        action={
          <Button component={Link} to="/">
            To the overview
          </Button>
        }
      >
        It may be mistyped, or what was there is gone. Ctrl K finds pages, connections and jobs by name.
      </Empty>
    </Page>
  )
}
