// What an app needs is in four modules; it imports one.
@_exported public import NeedletailCore
@_exported public import NeedletailProviders
@_exported public import NeedletailRouting
@_exported public import NeedletailTransport
