import { Page } from '../ui/Page'

export default function StoragesPage() {
  return <Page title="Destinations">{null}</Page>
}
