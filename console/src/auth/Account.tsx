import { Page } from '../ui/Page'

export function Account() {
  return <Page title="My account">{null}</Page>
}
