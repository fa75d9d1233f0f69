// Package dicomweb connects the server with a PACS: results go out into the study that they were made from, by STOW-RS; studies come in, from an
// Orthanc that is polled or by STOW-RS to us, and become cases that are predicted as an upload is.
package dicomweb
