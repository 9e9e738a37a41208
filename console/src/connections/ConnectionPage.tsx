import { Page } from '../ui/Page'

export default function ConnectionPage() {
  return <Page title="Connection">{null}</Page>
}
